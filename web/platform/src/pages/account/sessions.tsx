import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="sessions" />;

export default Page;
