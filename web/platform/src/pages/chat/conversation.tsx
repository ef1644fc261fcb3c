import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="conversation" />;

export default Page;
