import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="usage" />;

export default Page;
